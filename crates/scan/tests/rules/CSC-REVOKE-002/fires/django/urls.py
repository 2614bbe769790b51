from django.urls import path

from . import login, views

urlpatterns = [
    path("login/", login.sign_in, name="login"),
    path("basket/leave/", views.leave_basket, name="leave"),
    path("account/sessions/others/end/", views.end_others, name="end-others"),
]
