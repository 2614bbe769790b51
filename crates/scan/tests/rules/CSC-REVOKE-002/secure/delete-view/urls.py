from django.urls import path

from . import login, views

urlpatterns = [
    path("login/", login.sign_in, name="login"),
    path("account/sessions/<int:pk>/end/", views.SessionEnd.as_view(), name="end"),
    path("account/sessions/others/end/", views.end_others, name="end-others"),
]
