# `expires_in` asks, and ends nothing; neither does anybody sign in here.
class TokenController < ApplicationController
  def show
    render json: { access_token: access_token.expires_in }
  end
end
