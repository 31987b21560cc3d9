from shop import tax


def total(net):
    return net + tax.of(net)
