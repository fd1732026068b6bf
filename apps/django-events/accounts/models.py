from django.conf import settings
from django.db import models
from django.urls import reverse

from eventsite.pictures import PICTURE_RULES, fresh_name


def picture_name(_profile, filename):
    return fresh_name("people", filename)


class Profile(models.Model):
    user = models.OneToOneField(settings.AUTH_USER_MODEL, on_delete=models.CASCADE)
    about = models.TextField("about you", max_length=1000, blank=True)
    picture = models.ImageField(upload_to=picture_name, validators=PICTURE_RULES, blank=True)

    def __str__(self):
        return self.user.get_username()

    def get_absolute_url(self):
        return reverse("profile", args=[self.user.get_username()])
