"""What an operator writes, read and checked: files of stock, pools and policies. No I/O."""
