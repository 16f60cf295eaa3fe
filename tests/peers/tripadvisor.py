"""Tripadvisor's Content API (tripadvisor-content-api.readme.io/reference/getlocationreviews): every post is a review in Italian
of one place, of which the five latest are shown; the brand's own answers stand within the review that they answer.

As the API does: the key in the query; no next page and no times to ask for; whole seconds; other languages on their own.
"""

from datetime import timedelta
from typing import Any

from peers import OWN, Answer, Peer, Post, Request, iso

KEY = "KEY0OF0THE0LEMON0GELATO"
PLACE = "2447310"
SHOWN = 5


class Tripadvisor(Peer):
    page = None
    most = SHOWN - 1
    """With all five in one window, nobody can say whether there was a sixth."""
    apart = timedelta(seconds=1)

    def settings(self, base: str) -> dict[str, Any]:
        return {"base_url": f"{base}/api/v1", "licensed": True, "locations": {"Zefirella, Milano": PLACE}}

    def credentials(self) -> dict[str, Any]:
        return {"password": KEY}

    def native_id(self, post: Post) -> str:
        return f"response-{post.number}" if self._answered(post) else str(900_000_000 + post.number)

    def answer(self, request: Request) -> Answer:
        if request.params.get("key") != KEY:
            message = "User is not authorized to access this resource with an explicit deny"
            return Answer({"Message": message}, 403)
        if request.path != f"/api/v1/location/{PLACE}/reviews":
            return Answer({"error": {"message": "location not found", "type": "NotFoundException", "code": 404}}, 404)
        if request.params.get("language", "en") != "it":
            return Answer({"data": []})
        latest = [p for p in self.world.seen() if not self._answered(p)][:SHOWN]
        return Answer({"data": [self._review(p, self._answers()) for p in latest]})

    def _answers(self) -> dict[int, Post]:
        """The brand's answers, by the number of the review."""
        return {review.number: p for p in self.world.seen() if (review := self._answered(p))}

    def _answered(self, post: Post) -> Post | None:
        return self.world.find(post.parent) if post.author == OWN and post.parent is not None else None

    def _review(self, post: Post, answers: dict[int, Post]) -> dict[str, Any]:
        answer = answers.get(post.number)
        review: dict[str, Any] = {
            "id": 900_000_000 + post.number,
            "lang": "it",
            "location_id": int(PLACE),
            "published_date": iso(post.at, "seconds"),
            "rating": post.number % 5 + 1,
            "helpful_votes": post.likes,
            "rating_image_url": "https://www.tripadvisor.com/img/cdsi/img2/ratings/traveler/s1.0-66827-5.svg",
            "url": f"https://www.tripadvisor.com/ShowUserReviews-g187849-d{PLACE}-r{900_000_000 + post.number}.html",
            "text": post.text,
            "title": "Il gelato",
            "trip_type": "Family",
            "travel_date": f"{post.at:%Y-%m}-28",
            "user": {"username": post.author, "user_location": {"id": "null"}, "avatar": {}},
            "subratings": {},
        }
        if answer:
            review["owner_response"] = {
                "id": answer.number, "lang": "it", "title": "Risposta", "text": answer.text, "author": OWN,
                "published_date": iso(answer.at, "seconds"),
            }  # fmt: skip
        return review
