"""Exchanges with relays, and phones that serve phones."""

import asyncio
from typing import Any, List, Sequence

from .errors import told, translated


class SyncTask:
    """A running exchange with a relay."""

    def __init__(self, raw: Any) -> None:
        self._raw = raw

    @translated
    def progress(self) -> Any:
        """Phase and bytes so far."""
        return self._raw.progress()

    @translated
    def cancel(self) -> None:
        """Ends it; waiting then raises ``Cancelled``. What was stored stays."""
        self._raw.cancel()

    def wait(self) -> Any:
        """Waits for the report. For code without an event loop; an interrupt cancels the exchange."""
        return asyncio.run(self.result())

    async def result(self) -> Any:
        """The report. Cancelling the awaiting task cancels the exchange."""
        try:
            return await self._raw.wait()
        except asyncio.CancelledError:
            self._raw.cancel()
            raise
        except Exception as error:
            exception = told(error)
            if exception is error:
                raise
            raise exception from None


class Sync:
    """Relays: one exchange at a time, or followed while the app is in front."""

    def __init__(self, raw: Any) -> None:
        self._raw = raw

    @translated
    def start(self, relay: str, timeout: float = 60.0) -> SyncTask:
        """Begins an exchange with ``host:port#key``; it fails if it takes longer than ``timeout`` seconds."""
        return SyncTask(self._raw.sync_once(relay, int(timeout * 1000)))

    def once(self, relay: str, timeout: float = 60.0) -> Any:
        """An exchange from beginning to end; gives the report."""
        return self.start(relay, timeout).wait()

    @translated
    def follow(self, relay: str) -> None:
        """Keeps a connection to a relay, and comes back after every break."""
        self._raw.follow(relay)

    @translated
    def unfollow(self, relay: str) -> None:
        """Stops following a relay."""
        self._raw.unfollow(relay)

    @translated
    def name_relays(self, relays: Sequence[str]) -> None:
        """Signs the list of relays that serve the unit; an empty one says that none does. Officers only."""
        self._raw.name_relays(list(relays))

    @translated
    def named_relays(self) -> List[str]:
        """The relays of the list in force, in the order in which this phone tries them."""
        return self._raw.named_relays()

    @translated
    def start_listed(self, timeout: float = 60.0) -> SyncTask:
        """Begins an exchange with the first relay of that list that serves, each for at most ``timeout`` seconds."""
        return SyncTask(self._raw.sync_listed(int(timeout * 1000)))

    def once_listed(self, timeout: float = 60.0) -> Any:
        """Such an exchange from beginning to end; gives the report."""
        return self.start_listed(timeout).wait()

    @translated
    def follow_listed(self) -> None:
        """Keeps a connection to the first relay of that list that serves, and to the next one when it is gone."""
        self._raw.follow_listed()

    @translated
    def unfollow_listed(self) -> None:
        """Ends what ``follow_listed`` began."""
        self._raw.unfollow_listed()

    @translated
    def follow_host(self, address: str) -> None:
        """Keeps a connection to a phone that hosts, whatever ``connectivity`` says: the hall has no internet. ``unfollow`` ends it."""
        self._raw.follow_host(address)

    @translated
    def host(self, listen: str = "0.0.0.0:0") -> Any:
        """Lets other phones of the unit connect to this one: they get what they may read of what is here, hand over what they
        have, and what one of them brings goes to all others at once. Gives the addresses to show; port 0 is any. A phone that
        hosts already goes on as it does."""
        return self._raw.host(listen)

    @translated
    def hosted(self) -> Any:
        """Where this phone hosts, with the addresses that it has now; ``None`` while it does not."""
        return self._raw.hosted()

    @translated
    def stop_hosting(self) -> None:
        """Ends what ``host`` began; the phones that are connected are told."""
        self._raw.stop_hosting()

    @translated
    def visitors(self) -> List[Any]:
        """The phones that are connected to this one, by label, and how far each is. ``Change.VISITORS`` says when one came or
        went."""
        return self._raw.visitors()

    @translated
    def status(self, relay: str) -> List[Any]:
        """What is known of a relay, space by space."""
        return self._raw.status(relay)

    @translated
    def pending(self) -> int:
        """Changes made here that no envelope holds yet."""
        return self._raw.pending()
