from django.contrib.auth.decorators import login_required
from django.http import HttpResponse
from django.shortcuts import get_object_or_404

from .models import UserSession


@login_required
def end_session(request, pk):
    get_object_or_404(UserSession, pk=pk, user=request.user).session.delete()
    return HttpResponse(status=204)


@login_required
def end_others(request):
    UserSession.objects.filter(user=request.user).exclude(session_id=request.session.session_key).delete()
    return HttpResponse(status=204)
