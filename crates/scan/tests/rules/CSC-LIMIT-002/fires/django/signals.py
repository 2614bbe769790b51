from django.conf import settings
from django.contrib.auth import login, user_logged_in
from django.contrib.sessions.models import Session
from django.dispatch import receiver


def sign_in(request):
    user = authenticate(request, request.POST["name"], request.POST["password"])
    login(request, user)


@receiver(user_logged_in)
def keep_one(sender, user, request, **kwargs):
    if settings.SINGLE_LOGIN_ENABLED:
        Session.objects.filter(session_key=user.last_session_key).delete()
