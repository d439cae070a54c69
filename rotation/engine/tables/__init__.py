"""The two tables that decide: what a step does in each state, and what setSecret does next.

What they decide by is written down by the protocol of ``state.lease`` and ``state.marks``, in six writes where nothing
goes wrong. The labels of a clean rotation of an account (without ``lockstep:``), where ``c`` is current::

    createSecret  1 write    v: AWSPENDING                              the candidate, once for each token
    setSecret     3 writes   v: AWSPENDING intent                       1: a reset may be sent from now on
                             v: AWSPENDING intent lease:n               2: and by no other run
                             the reset, and a login with the candidate
                             v: AWSPENDING intent lease:n proof:login   3: it is live
    testSecret    none       the proof holds
    finishSecret  2 writes   v: AWSCURRENT …, c: AWSPREVIOUS            4: by compare-and-swap from the intent's base
                             c: AWSPREVIOUS                             5: without its intent, so that it may be purged

What has to hold, and what holds it:

* The live password is in the store, whenever a run dies: the candidate is staged before anything is sent, and its
  version keeps a label from the intent on until another value is proved.
* A reset that may have been sent is never overlooked: the intent is written before it, and is removed only if the
  vendor certainly refused, or nothing was sent. So a later run finds "attempted", and asks before it sends again.
* Readers get a proved value: a proof holds only while the base of the latest intent is current, and it is taken away
  before another reset with the same candidate, or by a login that was rejected.
* The budget of wrong logins: a run writes each one down before it tries again, and its intent stands for the last one.
* Every retry sends the same bytes, since a value under a token cannot be replaced.

Example. The run dies after the reset. Its intent is over after the function's time-out and the margin of the clocks.
Until then the next attempts end in ``in_progress``; the one after that takes the next lease and finds an earlier
intent, so the table says "probe the candidate": accepted, which is the proof.
"""
