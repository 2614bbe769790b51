from django.urls import path

from . import login, views

urlpatterns = [
    path("login/", login.sign_in, name="login"),
    path("account/orders/", views.OrderList.as_view(), name="orders"),
]
