# How many there are of everybody together says nothing of one user.
class TrimJob < ApplicationJob
  def perform
    Session.order(created_at: :desc).offset(100_000).destroy_all
  end
end
