module example.com/evict

go 1.26
