from django.contrib.auth.decorators import login_required
from django.http import HttpResponse
from django.views.generic import DeleteView

from .models import UserSession


class SessionEnd(DeleteView):
    success_url = "/account/sessions/"

    def get_queryset(self):
        return UserSession.objects.filter(user=self.request.user)


@login_required
def end_others(request):
    UserSession.objects.filter(user=request.user).exclude(session_id=request.session.session_key).delete()
    return HttpResponse(status=204)
