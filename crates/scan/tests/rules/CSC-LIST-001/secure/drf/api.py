from rest_framework import viewsets
from rest_framework.routers import DefaultRouter

from .models import UserSession


class SessionViewSet(viewsets.ModelViewSet):
    serializer_class = SessionSerializer

    def get_queryset(self):
        return UserSession.objects.filter(user=self.request.user)


router = DefaultRouter()
router.register("sessions", SessionViewSet, basename="session")
