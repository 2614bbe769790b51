from django.contrib.auth import authenticate, login
from django.http import HttpResponse, JsonResponse

from .models import UserSession


def sign_in(request):
    user = authenticate(request, username=request.POST["name"], password=request.POST["password"])
    login(request, user)
    UserSession.objects.create(user=user, session_id=request.session.session_key)
    return HttpResponse("welcome")


def sessions(request):
    mine = UserSession.objects.filter(user=request.user).order_by("-created_at")[20:40]
    return JsonResponse({"sessions": [one.public_id for one in mine]})
