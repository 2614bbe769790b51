from django.contrib.auth import authenticate, login
from django.http import HttpResponse

from .models import UserSession

MAX_SESSIONS = 3


def sign_in(request):
    user = authenticate(request, username=request.POST["name"], password=request.POST["password"])
    login(request, user)
    UserSession.objects.create(user=user, session_id=request.session.session_key)
    for old in UserSession.objects.filter(user=user).order_by("-created_at")[MAX_SESSIONS:]:
        old.session.delete()
    return HttpResponse("welcome")
