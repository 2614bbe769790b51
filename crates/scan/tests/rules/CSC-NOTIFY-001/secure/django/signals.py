from django.contrib.auth.signals import user_logged_in
from django.core.mail import send_mail
from django.dispatch import receiver


@receiver(user_logged_in)
def tell(sender, request, user, **kwargs):
    send_mail("Somebody came in", text_about(request), None, [user.email])
