from django.core.mail import send_mail
from django.db.models.signals import post_save
from django.dispatch import receiver


@receiver(post_save)
def tell(sender, instance, **kwargs):
    send_mail("Saved", str(instance), None, [instance.user.email])
