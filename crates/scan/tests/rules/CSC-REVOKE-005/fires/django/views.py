from django.contrib.auth import authenticate, login
from django.contrib.auth.decorators import login_required
from django.shortcuts import get_object_or_404, redirect, render


def sign_in(request):
    user = authenticate(request, username=request.POST["name"], password=request.POST["password"])
    login(request, user)
    return redirect("profile")


@login_required
def sessions(request):
    return render(request, "sessions.html", {"rows": UserSession.objects.filter(user=request.user)})


@login_required
def end(request, pk):
    UserSession.objects.get(pk=pk).session.delete()
    return redirect("account-sessions")
