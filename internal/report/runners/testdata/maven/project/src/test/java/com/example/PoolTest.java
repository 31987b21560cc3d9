package com.example;

import static org.junit.jupiter.api.Assertions.assertEquals;

import org.junit.jupiter.api.Disabled;
import org.junit.jupiter.api.Nested;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class PoolTest {
    @Test
    void keepsItsSize() {
        assertEquals(3, new Pool(3).size());
    }

    @Test
    void takesInOrder() {
        Pool pool = new Pool(2);
        assertEquals(1, pool.take(), "first block");
    }

    @Test
    void emptyPoolThrows() {
        new Pool(0).take();
    }

    @Test
    void knowsItsOwner() {
        assertEquals(4, new Pool(1).owner().length());
    }

    @Disabled("needs a device")
    @Test
    void onDevice() {}

    @ParameterizedTest
    @ValueSource(ints = {1, 5})
    void sizes(int n) {
        assertEquals(1, new Pool(n).size());
    }

    private static int runs;

    @Test
    void flaky() {
        assertEquals(1, runs++, "passes when it is run again");
    }

    @Test
    void wrapsItsCause() {
        try {
            new Pool(0).take();
        } catch (RuntimeException e) {
            throw new IllegalStateException("no block for the session", e);
        }
    }

    @Nested
    class Reuse {
        @Test
        void givesBack() {
            assertEquals("free", "taken");
        }
    }
}
