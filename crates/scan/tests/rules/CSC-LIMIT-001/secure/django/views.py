from django.contrib.auth import authenticate, login
from django.shortcuts import redirect, render


def login_view(request):
    user = authenticate(request, username=request.POST["name"], password=request.POST["password"])
    if user is None:
        return render(request, "login.html")
    login(request, user)
    return redirect("/")
