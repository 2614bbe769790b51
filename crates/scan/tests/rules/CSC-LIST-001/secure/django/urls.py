from django.urls import path

from . import login, views

urlpatterns = [
    path("login/", login.sign_in, name="login"),
    path("account/sessions/", views.SessionList.as_view(), name="sessions"),
]
