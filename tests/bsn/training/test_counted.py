"""Losses of neighbourhoods over the pixels that count."""

import torch

from bsn.training.counted import agreeing_at_both_sizes, agreeing_where_uncounted


def sample():
    torch.manual_seed(0)
    prediction = torch.rand(3, 4, 8, 10, requires_grad=True)
    target, counted = torch.rand(3, 2, 8, 10), torch.rand(3, 8, 10) > 0.3
    counted[2] = False
    return prediction, target, counted


def test_a_mean_is_that_over_the_pixels_that_count():
    prediction, target, counted = sample()
    agreeing, factor = agreeing_where_uncounted(prediction, target, counted)
    loss = factor * (agreeing[:, :2] - target).square().flatten(1).mean(1)
    for row in range(2):
        expected = (prediction[row, :2] - target[row]).square()[:, counted[row]].mean()
        torch.testing.assert_close(loss[row], expected)
    assert loss[2] == 0
    assert torch.equal(agreeing[:, 2:], prediction[:, 2:])


def test_pixels_that_do_not_count_have_no_gradient_in_losses_of_neighbourhoods():
    prediction, target, counted = sample()
    agreeing, _ = agreeing_where_uncounted(prediction, target, counted)
    error = agreeing[:, :2] - target
    (error[..., 1:] - error[..., :-1]).abs().sum().backward()
    gradient = prediction.grad[:, :2]
    assert not gradient.movedim(1, -1)[~counted].any()
    assert gradient.movedim(1, -1)[counted].any()


def test_at_half_the_size_all_four_pixels_have_to_count():
    prediction, target, counted = sample()
    half = torch.rand(3, 2, 4, 5)
    _, found = agreeing_at_both_sizes((prediction, half), target, counted)
    blocks = counted.view(3, 4, 2, 5, 2).all(4).all(2)
    averaged = target.view(3, 2, 4, 2, 5, 2).mean((3, 5))
    torch.testing.assert_close(found, torch.where(blocks[:, None], half, averaged))
