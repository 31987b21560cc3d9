def of(net):
    return net * 0.19
