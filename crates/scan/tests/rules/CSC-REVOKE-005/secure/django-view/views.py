from django.contrib.auth import authenticate, login
from django.http import HttpResponseRedirect
from django.shortcuts import redirect
from django.views.generic import DeleteView, ListView


def sign_in(request):
    user = authenticate(request, username=request.POST["name"], password=request.POST["password"])
    login(request, user)
    return redirect("profile")


class Sessions(ListView):
    def get_queryset(self):
        return UserSession.objects.filter(user=self.request.user)


class EndSession(DeleteView):
    success_url = "/account/sessions/"

    def get_queryset(self):
        return UserSession.objects.filter(user=self.request.user)

    def form_valid(self, form):
        self.object.session.delete()
        return HttpResponseRedirect(self.success_url)
