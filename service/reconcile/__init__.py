"""Repair of stock lines that have drifted: found out, explained, and put right one by one."""
