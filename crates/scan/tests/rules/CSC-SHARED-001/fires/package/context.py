class Caller:
    pass


caller = Caller()
session_days = 3
