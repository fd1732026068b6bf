from django import forms

from .models import Event, Rsvp


class EventForm(forms.ModelForm):
    class Meta:
        model = Event
        fields = ["title", "category", "place", "starts_at", "description", "image"]
        widgets = {
            "title": forms.TextInput(attrs={"placeholder": "Reading poems aloud"}),
            "place": forms.TextInput(attrs={"placeholder": "The old library"}),
            "starts_at": forms.DateTimeInput(attrs={"type": "datetime-local"}, format="%Y-%m-%dT%H:%M"),
            "description": forms.Textarea(attrs={"rows": 3}),
        }


class RsvpForm(forms.ModelForm):
    class Meta:
        model = Rsvp
        fields = ["name"]

    def clean_name(self):
        name = " ".join(self.cleaned_data["name"].split())
        if self.instance.event.rsvps.filter(name=name).exists():
            raise forms.ValidationError(f"{name} is already on the list.")
        return name
