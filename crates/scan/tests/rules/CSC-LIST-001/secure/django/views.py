from django.contrib.auth.mixins import LoginRequiredMixin
from django.views.generic import ListView

from .models import UserSession


class SessionList(LoginRequiredMixin, ListView):
    template_name = "sessions.html"

    def get_queryset(self):
        return UserSession.objects.filter(user=self.request.user).order_by("-last_seen")
