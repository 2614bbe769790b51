def leave_basket(request):
    request.session.pop("basket", None)
    request.session.delete()
