package com.example;

import java.util.ArrayDeque;
import java.util.Deque;

/** A pool of cache blocks. */
public class Pool {
    private final Deque<Integer> free = new ArrayDeque<>();

    public Pool(int size) {
        for (int i = 0; i < size; i++) {
            free.add(i);
        }
    }

    public int take() {
        return free.remove();
    }

    public int size() {
        return free.size();
    }

    public String owner() {
        return null;
    }
}
