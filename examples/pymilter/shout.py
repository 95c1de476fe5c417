"""Refuses two senders, and marks subjects that shout. To show how a milter in Python is tested."""

import sys

import Milter

REFUSED = {"spam.example": ("550", "5.7.1"), "slow.example": ("451", "4.7.1")}


class Shout(Milter.Base):
    def __init__(self):
        self.subjects = 0

    def envfrom(self, sender, *params):
        self.subjects = 0
        self.marked = []
        domain = sender.strip("<>").rpartition("@")[2].lower()
        if domain not in REFUSED:
            return Milter.CONTINUE
        code, extended = REFUSED[domain]
        self.setreply(code, extended, "no mail from %s here" % domain)
        return Milter.REJECT if code[0] == "5" else Milter.TEMPFAIL

    def header(self, name, value):
        if name.lower() == "subject":
            self.subjects += 1
            if value.isupper():
                self.marked.append((self.subjects, value))
        return Milter.CONTINUE

    def eom(self):
        for index, value in self.marked:
            self.chgheader("Subject", index, "[shouting] " + value.capitalize())
        if self.marked:
            self.addheader("X-Shout", str(len(self.marked)))
        return Milter.CONTINUE


def main():
    Milter.factory = Shout
    Milter.set_flags(Milter.ADDHDRS | Milter.CHGHDRS)
    Milter.runmilter("shout", sys.argv[1], 60)


if __name__ == "__main__":
    main()
