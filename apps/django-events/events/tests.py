"""What people can do with events, through the pages and through the API."""

import re
from datetime import UTC, datetime
from urllib.parse import urlsplit

from django.contrib.auth import get_user_model
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client, TestCase

from eventsite.pictures import PICTURE_BYTES_MAX
from eventsite.testing import picture
from eventsite.version import RELEASE_MARKER

from .models import Event, Rsvp

FIELDS = {
    "title": "Reading <poems> aloud",
    "category": "books",
    "place": "The old library",
    "starts_at": "2031-05-04T19:30",
}


def event(**fields):
    return Event.objects.create(**FIELDS | {"starts_at": datetime(2031, 5, 4, 19, 30, tzinfo=UTC)} | fields)


class HomeTest(TestCase):
    def test_lists_newest_first_with_guests_and_the_footer(self):
        older, newer = event(title="Older"), event(title="Newer")
        Rsvp.objects.create(event=older, name="Ada")
        page = self.client.get("/").content.decode()
        self.assertLess(page.index(newer.title), page.index(older.title))
        self.assertIn("1 coming", page)
        self.assertIn(RELEASE_MARKER, page)

    def test_a_row_is_written_and_read_back(self):
        answer = self.client.post("/", FIELDS, follow=True)
        self.assertEqual(answer.redirect_chain, [("/", 302)])
        self.assertEqual(Event.objects.get().starts_at, datetime(2031, 5, 4, 19, 30, tzinfo=UTC))
        self.assertContains(answer, "Reading &lt;poems&gt; aloud")
        self.assertNotContains(answer, "<poems>")

    def test_the_form_is_protected_against_other_sites(self):
        browser = Client(enforce_csrf_checks=True)
        self.assertEqual(browser.post("/", FIELDS).status_code, 403)
        token = re.search(r'csrfmiddlewaretoken" value="(\w+)"', browser.get("/").content.decode())[1]
        self.assertEqual(browser.post("/", FIELDS | {"csrfmiddlewaretoken": token}).status_code, 302)
        self.assertEqual(Event.objects.count(), 1)

    def test_behind_the_router_the_own_origin_is_trusted_and_others_are_not(self):
        browser = Client(enforce_csrf_checks=True, HTTP_HOST="testserver", HTTP_X_FORWARDED_PROTO="https")
        token = re.search(r'csrfmiddlewaretoken" value="(\w+)"', browser.get("/").content.decode())[1]
        form = FIELDS | {"csrfmiddlewaretoken": token}
        self.assertEqual(browser.post("/", form, HTTP_ORIGIN="https://evil.example").status_code, 403)
        self.assertEqual(browser.post("/", form, HTTP_ORIGIN="http://testserver").status_code, 403)
        self.assertEqual(browser.post("/", form, HTTP_ORIGIN="https://testserver").status_code, 302)

    def test_an_incomplete_form_writes_nothing(self):
        answer = self.client.post("/", FIELDS | {"title": ""})
        self.assertContains(answer, "This field is required.", status_code=400)
        self.assertEqual(Event.objects.count(), 0)

    def test_the_list_has_pages(self):
        for number in range(13):
            event(title=f"number {number:02}")
        self.assertNotContains(self.client.get("/"), "number 00")
        self.assertContains(self.client.get("/?page=2"), "number 00")
        self.assertContains(self.client.get("/?page=nonsense"), "number 12")

    def test_the_number_of_queries_does_not_grow_with_the_list(self):
        for _ in range(5):
            event()
        with self.assertNumQueries(2):
            self.client.get("/")


class PictureTest(TestCase):
    def test_an_uploaded_picture_is_shown_and_served(self):
        self.client.post("/", FIELDS | {"image": picture("../My Holiday.PNG")})
        stored = Event.objects.get()
        self.assertRegex(stored.image.name, r"^events/[0-9a-f]{32}\.png$")
        self.assertContains(self.client.get("/"), stored.image.url)
        served = self.client.get(urlsplit(stored.image.url).path)
        self.assertEqual(served["Content-Type"], "image/png")
        self.assertEqual(b"".join(served.streaming_content), picture().read())

    def test_without_one_the_category_has_its_own(self):
        event(category="film")
        self.assertContains(self.client.get("/"), "/static/events/categories/film.svg")

    def test_what_is_no_picture_is_refused(self):
        script = b"<svg xmlns='http://www.w3.org/2000/svg'><script>alert(1)</script></svg>"
        for name in ("page.svg", "photo.png"):
            with self.subTest(name):
                answer = self.client.post("/", FIELDS | {"image": SimpleUploadedFile(name, script)})
                self.assertEqual(answer.status_code, 400)
        self.assertEqual(Event.objects.count(), 0)

    def test_a_picture_that_is_too_large_is_refused(self):
        large = picture()
        large = SimpleUploadedFile("photo.png", large.read().ljust(PICTURE_BYTES_MAX + 1, b"\0"))
        answer = self.client.post("/", FIELDS | {"image": large})
        self.assertContains(answer, "larger than 5 MB", status_code=400)


class RsvpTest(TestCase):
    def test_a_guest_is_listed_once(self):
        address = event().get_absolute_url()
        self.assertContains(
            self.client.post(address, {"name": " Ada  Lovelace "}, follow=True), "<li>Ada Lovelace</li>"
        )
        again = self.client.post(address, {"name": "Ada Lovelace"})
        self.assertContains(again, "already on the list", status_code=400)
        self.assertEqual(Rsvp.objects.count(), 1)

    def test_two_events_may_have_the_same_guest(self):
        for address in (event().get_absolute_url(), event().get_absolute_url()):
            self.assertEqual(self.client.post(address, {"name": "Ada"}).status_code, 302)

    def test_an_event_that_is_not_there(self):
        self.assertEqual(self.client.get("/events/404/").status_code, 404)


class ApiTest(TestCase):
    def test_lists_as_json(self):
        Rsvp.objects.create(event=event(), name="Ada")
        answer = self.client.get("/api/events/")
        self.assertEqual(answer["Content-Type"], "application/json")
        [found] = answer.json()["results"]
        self.assertEqual((found["title"], found["guests"], found["image"]), (FIELDS["title"], 1, None))

    def test_filters(self):
        event(category="film")
        event(category="music")
        found = self.client.get("/api/events/?category=film").json()
        self.assertEqual([one["category"] for one in found["results"]], ["film"])
        self.assertEqual(self.client.get("/api/events/?starts_at__gte=2032-01-01").json()["count"], 0)
        self.assertEqual(self.client.get("/api/events/?category=nonsense").status_code, 400)

    def test_writing_needs_an_account(self):
        self.assertEqual(self.client.post("/api/events/", FIELDS).status_code, 403)
        user = get_user_model().objects.create_user("ada")
        self.client.force_login(user)
        made = self.client.post("/api/events/", FIELDS, content_type="application/json")
        self.assertEqual(made.status_code, 201)
        self.assertEqual(Event.objects.get().host, user)
        self.assertEqual(self.client.get(f"/api/events/{made.json()['id']}/").json()["host"], "ada")


class AdminTest(TestCase):
    def test_staff_can_edit_events(self):
        one = event()
        address = f"/admin/events/event/{one.pk}/change/"
        self.assertEqual(self.client.get(address).status_code, 302)
        self.client.force_login(get_user_model().objects.create_superuser("root"))
        self.assertContains(self.client.get(address), one.place)
