from django.views.generic import ListView

from .models import Order


class OrderList(ListView):
    def get_queryset(self):
        return Order.objects.filter(user=self.request.user)
