"""Count the strings that a policy allows, exactly, and draw one of them with equal chances.

The algorithm reads a string from left to right and keeps only what matters for the rest of it (``language.State``):

- the *debt* (``ClassDebts``): how many characters of each charset, and which classes, are still missing;
- the *node* of the ``WordAutomaton``: the longest end of the string that begins a forbidden word;
- the length of the current run, and how far the string is already from the previous password.

Two strings of one length with the same state can be continued in the same ways. So the number of continuations is
counted once for each length and state, from the end backwards. Characters that no rule distinguishes form one *kind*
and are counted together.

Example: three characters of ``abcd`` and ``12``, at least one digit, and the word ``ab`` is forbidden. The kinds are
``12``, ``a``, ``b`` and ``cd``. The debt is one digit or nothing; the node is "after a" or the start. The number of
ways to continue:

    characters left     1 digit owed   1 digit owed,   nothing owed   nothing owed,
                                       after a                        after a
    0                    0              0              1              1
    1                    2              2              6              5
    2                   20             18             35             29
    3                  148

The last line is the sum over the first character: 2 digits with 35 ways each, ``a`` with 18, ``b`` with 20, and 2 of
``cd`` with 20 each: 70 + 18 + 20 + 40 = 148 of 6 ** 3 = 216 strings.

The strings have ranks from 0 to 147 in the order of the kinds. Rank 100 is beyond the 70 strings that start with a
digit and the 18 that start with ``a``: number 12 of those that start with ``b``. Digits come next there with 6 ways
each, so number 12 continues with ``a`` as number 0 of 2, and ends with the first digit: ``ba1``.

``sampler`` draws in the cheaper of two ways. 148 of 216 strings are allowed, so here it draws whole strings until one
is allowed. Where three digits are required, only 8 of 216 are, fewer than one in 16: it draws a rank below 8 instead.
Both ways give every allowed string the same chance.

A count may take a second, and a policy is checked whenever it is loaded. ``feasibility`` therefore first counts what
each rule refuses by itself: 4 ** 3 = 64 strings have no digit, ``ab`` fits at 2 places with 6 characters beside it, so
at least 216 - 64 - 12 = 140 strings are left. It refuses a policy that leaves none, with the names of the rules that
contradict each other, or too few.
"""
