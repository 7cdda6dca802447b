"""Ask the web process in this container whether it lives: `python -m scripts.healthcheck`."""

import http.client
import os
import sys
from urllib.parse import urlsplit

PORT = 8000


def lives() -> bool:
    """Tell whether `/live` answers 200 under the name that the site goes by."""
    connection = http.client.HTTPConnection("127.0.0.1", PORT, timeout=4)
    try:
        connection.request("GET", "/live", headers={"Host": urlsplit(os.environ["SITE_URL"]).netloc})
        return connection.getresponse().status == http.HTTPStatus.OK
    except (OSError, http.client.HTTPException):
        return False
    finally:
        connection.close()


if __name__ == "__main__":
    sys.exit(not lives())
