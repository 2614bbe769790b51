from django.urls import path

from . import views

urlpatterns = [
    path("login/", views.sign_in),
    path("account/sessions/", views.Sessions.as_view()),
    path("account/sessions/<int:pk>/end/", views.EndSession.as_view()),
]
