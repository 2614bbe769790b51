from django.urls import path

from . import views

urlpatterns = [
    path("login/", views.sign_in),
    path("account/sessions/", views.sessions),
    path("account/sessions/<int:pk>/end/", views.end),
]
