"""Mail that really arrived: the letters to an address, and the code in a letter."""

import email
import email.policy
import re
import time

CODE = re.compile(r"^\s*(\d{4}-\d{4})\s*$", re.MULTILINE)


def mails_to(folder, address):
    found = []
    for file in folder.glob("*.eml"):
        message = email.message_from_bytes(file.read_bytes(), policy=email.policy.default)
        if address in message["to"]:
            found.append(message)
    return found


def wait_for_mail(folder, address, subject, seconds=120):
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        for message in mails_to(folder, address):
            if message["subject"].startswith(subject):
                return message
        time.sleep(0.5)
    raise AssertionError(f"no “{subject}” for {address}: {[m['subject'] for m in mails_to(folder, address)]}")


def code_in(letter):
    return CODE.search(letter.get_content())[1]
