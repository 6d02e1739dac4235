# Squares by multiprocessing.Pool: pool_squares.py TASKS CHUNKSIZE
import json
import multiprocessing
import sys
import time


def square(n):
    return n * n


if __name__ == "__main__":
    tasks, chunksize = int(sys.argv[1]), int(sys.argv[2])
    with multiprocessing.Pool(2) as pool:
        pool.map(square, range(100))
        start = time.perf_counter()
        total = sum(pool.map(square, range(tasks), chunksize=chunksize))
        wall = time.perf_counter() - start
    print(json.dumps({"tasks_per_second": tasks / wall, "sum": total % 2**64}))
