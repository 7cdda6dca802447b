"""How the web server treats connections."""

import http.client
import time

REST_SECONDS = 4


def test_a_connection_that_rests_is_answered_again(clinic):
    """Whoever sends a request just when the server closes the connection loses it, so the server is not the first."""
    connection = http.client.HTTPConnection("127.0.0.1", clinic.web_port, timeout=60)
    answers, sockets = [], []
    for pause in (0, REST_SECONDS):
        time.sleep(pause)
        connection.request("GET", "/live", headers={"Host": f"localhost:{clinic.web_port}"})
        answer = connection.getresponse()
        answer.read()
        answers.append(answer.status)
        sockets.append(connection.sock)
    connection.close()

    assert answers == [200, 200]
    assert sockets[0] is sockets[1] is not None
