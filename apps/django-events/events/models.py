"""What is on, and who comes."""

from django.conf import settings
from django.db import models
from django.templatetags.static import static
from django.urls import reverse

from eventsite.pictures import PICTURE_RULES, fresh_name


def picture_name(_event, filename):
    return fresh_name("events", filename)


class Event(models.Model):
    class Category(models.TextChoices):
        # Each has a picture of its own: static/events/categories/<value>.svg
        BOOKS = "books"
        CRAFT = "craft"
        FILM = "film"
        FOOD = "food"
        GAMES = "games"
        MUSIC = "music"
        NATURE = "nature"
        OTHER = "other"
        SCIENCE = "science"
        SPORT = "sport"
        THEATRE = "theatre"

    title = models.CharField(max_length=120)
    category = models.CharField(max_length=16, choices=Category.choices, default=Category.OTHER)
    place = models.CharField(max_length=120)
    starts_at = models.DateTimeField("starts")
    description = models.TextField(max_length=4000, blank=True)
    image = models.ImageField("picture", upload_to=picture_name, validators=PICTURE_RULES, blank=True)
    host = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, blank=True, on_delete=models.SET_NULL, related_name="events"
    )
    created_at = models.DateTimeField(auto_now_add=True, db_index=True)

    class Meta:
        ordering = ["-created_at", "-pk"]

    def __str__(self):
        return self.title

    def get_absolute_url(self):
        return reverse("event", args=[self.pk])

    @property
    def picture_url(self):
        """The uploaded picture, or the category's own."""
        return self.image.url if self.image else static(f"events/categories/{self.category}.svg")


class Rsvp(models.Model):
    event = models.ForeignKey(Event, on_delete=models.CASCADE, related_name="rsvps")
    name = models.CharField("your name", max_length=80)
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        ordering = ["created_at", "pk"]
        constraints = [models.UniqueConstraint(fields=["event", "name"], name="one_rsvp_per_name")]

    def __str__(self):
        return f"{self.name} at {self.event}"
