def play(stack):
    pass
