"""Everybody who has an account has a profile."""

from django.conf import settings
from django.db.models.signals import post_save
from django.dispatch import receiver

from .models import Profile


@receiver(post_save, sender=settings.AUTH_USER_MODEL)
def make_profile(instance, created, raw, **_):
    if created and not raw:  # raw: loaddata brings the profiles itself
        Profile.objects.create(user=instance)
