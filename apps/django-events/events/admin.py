from django.contrib import admin

from .models import Event, Rsvp


class RsvpInline(admin.TabularInline):
    model = Rsvp
    extra = 0


@admin.register(Event)
class EventAdmin(admin.ModelAdmin):
    list_display = ["title", "category", "place", "starts_at", "host"]
    list_filter = ["category", "starts_at"]
    search_fields = ["title", "place"]
    inlines = [RsvpInline]
