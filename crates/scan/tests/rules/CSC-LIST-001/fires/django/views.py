from django.contrib.auth.mixins import LoginRequiredMixin
from django.views.generic import ListView

from .models import Order


class OrderList(LoginRequiredMixin, ListView):
    template_name = "orders.html"

    def get_queryset(self):
        self.request.session["seen"] = True
        return Order.objects.filter(user=self.request.user).order_by("-created_at")
