from rest_framework import generics
from django.views import View
class SessionList(generics.ListAPIView):
    def get_queryset(self):
        return UserSession.objects.filter(user=self.request.user)
class SessionDetail(generics.DestroyAPIView):
    def get_queryset(self):
        return UserSession.objects.filter(user=self.request.user)
class Mine(View):
    def get(self, request):
        return JsonResponse(list(UserSession.objects.filter(user=request.user).values()))
    def delete(self, request):
        UserSession.objects.filter(user=request.user).exclude(session_key=request.session.session_key).delete()
