"""The JSON API: `/api/events/` lists for everyone and takes new events from people who are signed in."""

from django.db.models import Count
from rest_framework import mixins, serializers, viewsets

from .models import Event


class EventSerializer(serializers.ModelSerializer):
    host = serializers.CharField(source="host.username", default=None, read_only=True)
    guests = serializers.IntegerField(default=0, read_only=True)
    url = serializers.URLField(source="get_absolute_url", read_only=True)

    class Meta:
        model = Event
        fields = [
            "id", "title", "category", "place", "starts_at", "description",
            "image", "host", "guests", "url", "created_at",
        ]  # fmt: skip


class EventViewSet(mixins.CreateModelMixin, mixins.ListModelMixin, mixins.RetrieveModelMixin, viewsets.GenericViewSet):
    serializer_class = EventSerializer
    filterset_fields = {"category": ["exact"], "starts_at": ["gte", "lte"]}

    def get_queryset(self):
        events = Event.objects.select_related("host").annotate(guests=Count("rsvps"))
        return events.order_by(*Event._meta.ordering)

    def perform_create(self, serializer):
        serializer.save(host=self.request.user)
