from django.contrib.auth.decorators import login_required
from django.http import HttpResponse

from .models import UserSession


@login_required
def end_others(request):
    UserSession.objects.filter(user=request.user).exclude(session_id=request.session.session_key).delete()
    return HttpResponse(status=204)


@login_required
def leave_basket(request):
    request.session.pop("basket", None)
    request.session.delete()
    return HttpResponse(status=204)
