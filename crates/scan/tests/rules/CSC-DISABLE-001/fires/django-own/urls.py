from django.contrib.auth.views import LogoutView
from django.urls import path

from . import login, views

urlpatterns = [
    path("login/", login.sign_in, name="login"),
    path("logout/", LogoutView.as_view(), name="logout"),
    path("users/<int:pk>/disable/", views.disable_user, name="disable"),
]
