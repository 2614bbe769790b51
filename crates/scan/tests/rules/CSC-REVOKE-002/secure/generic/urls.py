from django.urls import path
from rest_framework_simplejwt.views import TokenObtainPairView
from . import api, views
urlpatterns = [
    path("login/", views.sign_in, name="login"),
    path("sessions/", api.SessionList.as_view(), name="sessions"),
    path("sessions/<int:pk>/", api.SessionDetail.as_view(), name="session"),
    path("account/sessions/", api.Mine.as_view(), name="mine"),
]
