from django.contrib.auth import authenticate, login
def sign_in(request):
    user = authenticate(request, username=request.POST["name"], password=request.POST["password"])
    login(request, user)
