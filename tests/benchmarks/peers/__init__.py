"""What people would write instead, to be measured beside the worker: one transaction per message.

All do the same work on the same schema under the same guards, with prepared statements, a pool of
connections and one message of each partition at a time; they publish with acks=all and commit an
offset when its outcome is published. They do less than the worker: no carts, no ends, no order of
facts, and a crash between the commit and the publish repeats or loses an outcome.
"""
